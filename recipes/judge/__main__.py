from recipes.judge.pictures import main

if __name__ == "__main__":
    main()
